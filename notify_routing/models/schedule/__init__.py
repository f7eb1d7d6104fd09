from . import notify_preference
from . import mail_thread
from . import res_users
