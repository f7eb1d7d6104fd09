from . import mail_message
from . import notify_suppression
from . import notify_trail
from . import why_not
from . import notify_retention
from . import notify_board
