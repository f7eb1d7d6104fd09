from . import mail_mail
from . import res_config_settings
