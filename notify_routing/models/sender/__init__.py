from . import notify_return_key
from . import notify_return_address
from . import mail_alias_domain
from . import mail_mail
from . import res_config_settings
