from . import mail_message
from . import notify_suppression
