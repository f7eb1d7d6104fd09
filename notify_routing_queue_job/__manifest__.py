{
    "name": "Notification Routing: Job Queue",
    "summary": "E-mail leaves and arrives in the channels of OCA's job queue",
    "version": "19.0.1.0.0",
    "category": "Productivity/Discuss",
    "license": "LGPL-3",
    "author": "notify_routing contributors",
    "depends": ["notify_routing", "queue_job"],
    "data": [
        # data
        "data/queue_job_data.xml",
    ],
    "uninstall_hook": "uninstall_hook",
    "auto_install": True,
}
