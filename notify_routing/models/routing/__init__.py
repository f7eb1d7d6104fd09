from . import mail_notification
from . import mail_thread
