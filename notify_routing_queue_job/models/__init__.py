from . import ir_cron
from . import queue_job
from . import notify_delivery
from . import notify_intake
