from . import subscription
from . import routing
from . import schedule
from . import sender
from . import delivery
from . import intake
from . import trail
