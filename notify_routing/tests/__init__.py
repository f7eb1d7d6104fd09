from . import test_subscription
from . import test_table
from . import test_preference
from . import test_run
