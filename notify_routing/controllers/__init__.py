from . import health
from . import html_editor
from . import thread
from . import unsubscribe
