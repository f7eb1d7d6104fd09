"""The configuration of a private Dovecot, in the words of version 2.3 and of 2.4."""

from __future__ import annotations

COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {log}
default_internal_user = {keeper.user}
default_internal_group = {keeper.group}
default_login_user = {keeper.user}
first_valid_uid = {keeper.uid}
first_valid_gid = {keeper.gid}
mail_uid = {keeper.uid}
mail_gid = {keeper.gid}
mail_home = {folder}
mail_fsync = never
mail_max_userip_connections = 100
protocols = {protocols}
listen = {host}
ssl = yes
auth_mechanisms = plain login
auth_failure_delay = 0
auth_username_chars =
# Only root may change the root folder, and none of this runs as root. Without the penalty's
# socket, a wrong password does not slow down the next login.
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  {endless}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
"""

POP3 = """\
service pop3 {{
  executable = {pop3_programs}/pop3
}}
service pop3-login {{
  executable = {pop3_programs}/pop3-login
  chroot =
  {endless}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""

#: Major and minor version → what it has to be told in its own words.
OWN = {
    "2.3": """\
mail_location = maildir:{mail}/%u
ssl_cert = <{certificate.path}
ssl_key = <{certificate.key}
disable_plaintext_auth = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
}}
""",
    "2.4": """\
mail_driver = maildir
mail_path = {mail}/%{{user}}
ssl_server_cert_file = {certificate.path}
ssl_server_key_file = {certificate.key}
auth_allow_cleartext = yes
passdb static {{
  password = {password}
}}
userdb static {{
}}
""",
}

#: Login processes that serve any number of clients save one start for each.
ENDLESS = {"2.3": "service_count = 0", "2.4": "restart_request_count = unlimited"}

#: The first line of a 2.4 configuration says which defaults are meant.
FIRST = {"2.3": "", "2.4": "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"}


def configuration(version: str, more: str = "", **values) -> str:
    """Return the text of a configuration file.

    :param str version: a key of :data:`OWN`
    :param str more: further settings, which win over those here
    :param values: what the templates name; ``pop3`` is the port or None, and
        ``pop3_programs`` the folder of its server
    """
    template = FIRST[version] + COMMON + OWN[version] + (POP3 if values["pop3"] else "")
    protocols = "imap pop3" if values["pop3"] else "imap"
    filled = template.format(protocols=protocols, endless=ENDLESS[version], **values)
    return f"{filled}{more}\n"
