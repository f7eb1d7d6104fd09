from . import notify_intake
from . import notify_quarantine
from . import fetchmail_server
from . import mail_thread
