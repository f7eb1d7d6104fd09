from . import test_correspondence_tours
