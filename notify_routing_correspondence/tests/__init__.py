from . import test_correspondence
from . import test_correspondence_tours
