from . import html_editor
from . import thread
