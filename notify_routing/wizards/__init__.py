from . import notify_scheme_new
from . import notify_sender_look
from . import notify_sender_start
