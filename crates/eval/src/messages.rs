//! Messages of evaluation. The first value of each is what the evaluation is about: the client in a
//! log, or the class in an explanation.

kea_log::messages! {
    EVAL_DEBUG_AND = (Debug 55, "{}: {} and {} is {}");
    EVAL_DEBUG_BRANCH = (Debug 55, "{}: goes on with step {}");
    EVAL_DEBUG_CONCAT = (Debug 55, "{}: {} joined with {} is {}");
    EVAL_DEBUG_EQUAL = (Debug 55, "{}: {} equal to {} is {}");
    EVAL_DEBUG_HEXSTRING = (Debug 55, "{}: bytes {}");
    EVAL_DEBUG_IFELSE_FALSE = (Debug 55, "{}: the test is false: drops {} and takes {}");
    EVAL_DEBUG_IFELSE_TRUE = (Debug 55, "{}: the test is true: drops {} and takes {}");
    EVAL_DEBUG_INT16TOTEXT = (Debug 55, "{}: 16-bit number {} is {}");
    EVAL_DEBUG_INT32TOTEXT = (Debug 55, "{}: 32-bit number {} is {}");
    EVAL_DEBUG_INT8TOTEXT = (Debug 55, "{}: 8-bit number {} is {}");
    EVAL_DEBUG_IPADDRESS = (Debug 55, "{}: address {}");
    EVAL_DEBUG_IPADDRESSTOTEXT = (Debug 55, "{}: address {} is {}");
    EVAL_DEBUG_LCASE = (Debug 55, "{}: {} in lower case is {}");
    EVAL_DEBUG_MATCH = (Debug 55, "{}: match of '{}' on {} is {}");
    EVAL_DEBUG_MEMBER = (Debug 55, "{}: membership in class '{}' is {}");
    EVAL_DEBUG_NOT = (Debug 55, "{}: not {} is {}");
    EVAL_DEBUG_OPTION = (Debug 55, "{}: {} has the value {}");
    EVAL_DEBUG_OR = (Debug 55, "{}: {} or {} is {}");
    EVAL_DEBUG_PKT = (Debug 55, "{}: pkt.{} has the value {}");
    EVAL_DEBUG_PKT4 = (Debug 55, "{}: pkt4.{} has the value {}");
    EVAL_DEBUG_PKT6 = (Debug 55, "{}: pkt6.{} has the value {}");
    EVAL_DEBUG_POP_AND_BRANCH_FALSE = (Debug 55, "{}: the test is false: goes on with step {}");
    EVAL_DEBUG_POP_OR_BRANCH_FALSE = (Debug 55, "{}: false decides: goes on with step {}");
    EVAL_DEBUG_POP_OR_BRANCH_TRUE = (Debug 55, "{}: true decides: goes on with step {}");
    EVAL_DEBUG_RELAY6 = (Debug 55, "{}: {} of relay {} is {}");
    EVAL_DEBUG_RELAY6_RANGE = (Debug 55, "{}: {} of relay {} is {}, there is no such relay");
    EVAL_DEBUG_SPLIT = (Debug 55, "{}: field {} by {} of {} is {}");
    EVAL_DEBUG_SPLIT_DELIM_EMPTY = (Debug 55, "{}: field {} by {} of {} is {}, there are no delimiters");
    EVAL_DEBUG_SPLIT_EMPTY = (Debug 55, "{}: field {} by {} of {} is {}, there is nothing to split");
    EVAL_DEBUG_SPLIT_FIELD_OUT_OF_RANGE = (Debug 55, "{}: field {} by {} of {} is {}, there is no such field");
    EVAL_DEBUG_STRING = (Debug 55, "{}: string {}");
    EVAL_DEBUG_SUBSTRING = (Debug 55, "{}: length {} from {} of {} is {}");
    EVAL_DEBUG_SUBSTRING_EMPTY = (Debug 55, "{}: length {} from {} of {} is {}, there is nothing to take from");
    EVAL_DEBUG_SUBSTRING_RANGE = (Debug 55, "{}: length {} from {} of {} is {}, the start is outside");
    EVAL_DEBUG_TOHEXSTRING = (Debug 55, "{}: digits of {} separated by {} are {}");
    EVAL_DEBUG_UCASE = (Debug 55, "{}: {} in upper case is {}");
    EVAL_DEBUG_UINT16TOTEXT = (Debug 55, "{}: unsigned 16-bit number {} is {}");
    EVAL_DEBUG_UINT32TOTEXT = (Debug 55, "{}: unsigned 32-bit number {} is {}");
    EVAL_DEBUG_UINT8TOTEXT = (Debug 55, "{}: unsigned 8-bit number {} is {}");
    EVAL_DEBUG_VENDOR_CLASS_DATA = (Debug 55, "{}: data {} of {} in the vendor class is {}");
    EVAL_DEBUG_VENDOR_CLASS_DATA_NOT_FOUND = (Debug 55, "{}: data {} is not in the vendor class of enterprise {}, which has {}: {}");
    EVAL_DEBUG_VENDOR_CLASS_ENTERPRISE_ID = (Debug 55, "{}: the vendor class is of enterprise {}: {}");
    EVAL_DEBUG_VENDOR_CLASS_ENTERPRISE_ID_MISMATCH = (Debug 55, "{}: the vendor class is not of enterprise {} but of {}: {}");
    EVAL_DEBUG_VENDOR_CLASS_EXISTS = (Debug 55, "{}: the vendor class is of enterprise {}: {}");
    EVAL_DEBUG_VENDOR_CLASS_NO_OPTION = (Debug 55, "{}: there is no vendor class, option {}: {}");
    EVAL_DEBUG_VENDOR_ENTERPRISE_ID = (Debug 55, "{}: the vendor options are of enterprise {}: {}");
    EVAL_DEBUG_VENDOR_ENTERPRISE_ID_MISMATCH = (Debug 55, "{}: the vendor options are not of enterprise {} but of {}: {}");
    EVAL_DEBUG_VENDOR_EXISTS = (Debug 55, "{}: the vendor options are of enterprise {}: {}");
    EVAL_DEBUG_VENDOR_NO_OPTION = (Debug 55, "{}: there are no vendor options, option {}: {}");
}
