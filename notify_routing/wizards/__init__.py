from . import notify_scheme_new
