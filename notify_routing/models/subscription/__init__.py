from . import notify_subscription
from . import notify_subscription_run
from . import notify_subscription_table
from . import notify_bell
from . import mail_followers
from . import mail_thread
from . import crm_team
from . import res_config_settings
