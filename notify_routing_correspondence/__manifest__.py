{
    "name": "Registered Correspondence",
    "summary": "Letters, requests and notices with a number, a due date and exact notifications",
    "version": "19.0.1.0.0",
    "category": "Productivity",
    "license": "LGPL-3",
    "author": "notify_routing contributors",
    "images": ["static/description/correspondence.png"],
    "depends": ["notify_routing"],
    "data": [
        # security
        "security/correspondence_groups.xml",
        "security/ir.model.access.csv",
        "security/correspondence_rules.xml",
        # data
        "data/correspondence_scheme.xml",
        "data/correspondence_data.xml",
        # views
        "views/correspondence_views.xml",
        "views/correspondence_type_views.xml",
        "views/correspondence_menus.xml",
    ],
    "demo": [
        "demo/correspondence_demo.xml",
    ],
    "assets": {
        "web.assets_tests": [
            "notify_routing_correspondence/static/tests/tours/**/*",
        ],
    },
    "uninstall_hook": "uninstall_hook",
    "application": True,
}
