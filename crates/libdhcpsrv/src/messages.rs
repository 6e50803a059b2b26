//! The log messages of what both servers share.

kea_log::messages! {
    HOSTS_DATABASE_FAILED = (Error, "{} cannot tell about hosts; queries of clients that may have one are dropped");
    HOSTS_DATABASE_HOST_UNUSABLE = (Error, "{}: {}; this part of the reservation is left out");
    HOSTS_CFG_GET_ONE_SUBNET_ID_IDENTIFIER_HOST = (Debug 45, "{}: reservation found by {} in {}");

    DHCPSRV_EVAL_ERROR = (Error, "{}: the test of class '{}' has no result: {}");
    DHCPSRV_EVAL_RESULT = (Debug 50, "{}: the test of class '{}' is {}");
    DHCPSRV_TEMPLATE_EVAL_ERROR = (Error, "{}: the template of class '{}' has no result: {}");
    DHCPSRV_TEMPLATE_EVAL_RESULT = (Debug 50, "{}: the template of class '{}' yields '{}'");

    DHCP4_ADDITIONAL_CLASS_EVAL_ERROR = (Error, "{}: the test of additional class '{}' has no result: {}");
    DHCP4_ADDITIONAL_CLASS_EVAL_RESULT = (Debug 50, "{}: the test of additional class '{}' is {}");
    DHCP4_ADDITIONAL_CLASS_NO_TEST = (Debug 40, "additional class {} has no test, the client is in it");
    DHCP4_ADDITIONAL_CLASS_UNDEFINED = (Debug 40, "additional class {} is not defined");
    DHCP4_CLASS_ASSIGNED = (Debug 40, "{}: client packet has been assigned to the following class: {}");
    DHCP4_CLASSES_ASSIGNED = (Debug 40, "{}: client packet has been assigned on {} message to the following classes: {}");
    DHCP4_CLASSES_ASSIGNED_AFTER_SUBNET_SELECTION = (Debug 40, "{}: client packet has been assigned to the following classes: {}");

    DHCP6_ADDITIONAL_CLASS_EVAL_ERROR = (Error, "{}: the test of additional class '{}' has no result: {}");
    DHCP6_ADDITIONAL_CLASS_EVAL_RESULT = (Debug 50, "{}: the test of additional class '{}' is {}");
    DHCP6_ADDITIONAL_CLASS_NO_TEST = (Debug 40, "additional class {} has no test, the client is in it");
    DHCP6_ADDITIONAL_CLASS_UNDEFINED = (Debug 40, "additional class {} is not defined");
    DHCP6_CLASS_ASSIGNED = (Debug 40, "{}: client packet has been assigned to the following class: {}");
    DHCP6_CLASSES_ASSIGNED = (Debug 40, "{}: client packet has been assigned on {} message to the following classes: {}");
    DHCP6_CLASSES_ASSIGNED_AFTER_SUBNET_SELECTION = (Debug 40, "{}: client packet has been assigned to the following classes: {}");
}
