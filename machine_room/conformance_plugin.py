"""Makes pytest run only the tests that carry the id of a behaviour."""

from .conformance import Selection

pytest_collection_modifyitems = Selection().pytest_collection_modifyitems
