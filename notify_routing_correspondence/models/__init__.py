from . import correspondence_type
from . import correspondence
