from . import notify_preference
from . import notify_push
from . import notify_router
from . import mail_thread
from . import res_users
