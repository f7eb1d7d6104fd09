{
    "name": "Notification Routing",
    "summary": "Who is told what, through which channel, when and why",
    "version": "19.0.1.0.0",
    "category": "Productivity/Discuss",
    "license": "LGPL-3",
    "author": "notify_routing contributors",
    "images": ["static/description/matrix.png"],
    "depends": ["mail", "sales_team"],
    "external_dependencies": {
        "python": ["authres", "checkdmarc", "dnspython", "flufl.bounce", "imapclient"],
    },
    "data": [
        # security
        "security/notify_groups.xml",
        "security/ir.model.access.csv",
        "security/notify_rules.xml",
        # data
        "data/subscription_data.xml",
        "data/routing_data.xml",
        # views
        "views/notify_subscription_views.xml",
        "views/notify_subscription_run_views.xml",
        "views/notify_preference_views.xml",
        "wizards/notify_scheme_new_views.xml",
        "views/notify_scheme_views.xml",
        "views/notify_event_views.xml",
        "views/notify_role_views.xml",
        "views/notify_distribution_views.xml",
        "views/crm_team_views.xml",
        "views/res_users_views.xml",
        "views/res_config_settings_views.xml",
        "views/notify_menus.xml",
        # schedule
        "data/schedule_data.xml",
        "views/notify_schedule_views.xml",
        "views/notify_digest_templates.xml",
        # deadlines
        "security/notify_deadline_rules.xml",
        "data/deadline_data.xml",
        "data/deadline_templates.xml",
        "views/notify_deadline_views.xml",
        "views/notify_deadline_alert_views.xml",
        "views/notify_deadline_company_views.xml",
        "views/notify_waiting_views.xml",
        "views/notify_deadline_menus.xml",
        # sender
        "data/sender_data.xml",
        "views/notify_return_key_views.xml",
        "views/mail_alias_domain_views.xml",
        "views/notify_sender_views.xml",
        # checks
        "data/check_data.xml",
        "views/notify_check_views.xml",
        # delivery
        "data/delivery_data.xml",
        "views/notify_delivery_views.xml",
        # intake
        "data/intake_data.xml",
        "views/notify_quarantine_views.xml",
        # trail
        "views/notify_trail_views.xml",
        "views/notify_board_views.xml",
    ],
    "assets": {
        "web.assets_backend": [
            "notify_routing/static/src/**/*",
        ],
        "web.assets_tests": [
            "notify_routing/static/tests/tours/**/*",
        ],
    },
    "uninstall_hook": "uninstall_hook",
    "application": True,
}
