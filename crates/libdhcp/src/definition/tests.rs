use super::{
    CustomDefinition, CustomShape, DataType, DefinitionError, Definitions, Universe,
    vendor_enterprise,
};

fn define(
    space: &str,
    code: i64,
    name: &str,
    data_type: &str,
    shape: CustomShape<'_>,
) -> Result<CustomDefinition, DefinitionError> {
    CustomDefinition::new(space, code, name, data_type, shape)
}

fn shape<'a>(array: bool, record_types: &'a str, encapsulates: &'a str) -> CustomShape<'a> {
    CustomShape { array, record_types, encapsulates }
}

#[test]
fn members_are_checked() {
    use DefinitionError as E;
    let plain = CustomShape::default();
    let error = |space, code, name, data_type, shape| {
        define(space, code, name, data_type, shape).unwrap_err()
    };
    assert!(matches!(error("dhcp4", 224, "-a", "uint8", plain), E::Name { .. }));
    assert!(matches!(error("dhcp4", 224, "a b", "uint8", plain), E::Name { .. }));
    assert!(matches!(error("a!", 224, "a", "uint8", plain), E::Space { .. }));
    assert!(matches!(error("dhcp4", 0, "a", "uint8", plain), E::Code { found: 0, .. }));
    assert!(matches!(error("dhcp4", 255, "a", "uint8", plain), E::Code { .. }));
    assert!(matches!(error("own", -1, "a", "uint8", plain), E::Code { .. }));
    assert!(matches!(error("dhcp4", 224, "a", "uint9", plain), E::UnknownType { .. }));
    assert!(matches!(error("dhcp4", 224, "a", "internal", plain), E::UnknownType { .. }));
    let record = |record_types| error("dhcp4", 224, "a", "record", shape(false, record_types, ""));
    assert_eq!(record("uint8"), E::TooFewFields { found: 1 });
    assert_eq!(record("uint8,empty"), E::FieldType { data_type: DataType::Empty });
    assert_eq!(record("string,uint8"), E::NotLast { data_type: DataType::String });
    assert!(matches!(record("uint8,word"), E::UnknownType { .. }));
    let with =
        |data_type, array, inner| error("dhcp4", 224, "a", data_type, shape(array, "", inner));
    assert_eq!(with("string", true, ""), E::ArrayOf { data_type: DataType::String });
    assert_eq!(with("empty", true, ""), E::ArrayOf { data_type: DataType::Empty });
    assert_eq!(with("uint8", true, "own"), E::ArrayEncapsulates);
    assert_eq!(with("uint8", false, "dhcp4"), E::EncapsulatesItself { space: "dhcp4".into() });
    let fields = error("dhcp4", 224, "a", "uint8", shape(false, "uint8,uint8", ""));
    assert_eq!(fields, E::FieldsWithoutRecord { data_type: DataType::Uint8 });
}

#[test]
fn standard_codes_are_kept_and_later_ones_replaceable() {
    let mut definitions = Definitions::new(Universe::V4);
    let plain = CustomShape::default();
    let routers = define("dhcp4", 3, "own", "uint8", plain).unwrap();
    assert!(matches!(definitions.add(routers), Err(DefinitionError::Standard { code: 3, .. })));
    let taken = define("dhcp4", 224, "routers", "uint8", plain).unwrap();
    assert!(matches!(definitions.add(taken), Err(DefinitionError::DuplicateName { .. })));
    // Files for Kea 1.1 define option 121 themselves.
    let routes = define("dhcp4", 121, "rfc3442-routes", "uint8", shape(true, "", "")).unwrap();
    definitions.add(routes.clone()).unwrap();
    assert!(matches!(
        definitions.add(routes),
        Err(DefinitionError::DuplicateCode { code: 121, .. })
    ));
    assert_eq!(definitions.by_code("dhcp4", 121).unwrap().name, "rfc3442-routes");
    assert_eq!(definitions.by_name("dhcp4", "rfc3442-routes").unwrap().code, 121);
    assert_eq!(definitions.by_name("dhcp4", "routers").unwrap().code, 3);
}

#[test]
fn vendors_define_option_43_themselves() {
    let mut definitions = Definitions::new(Universe::V4);
    let own = define("dhcp4", 43, "vendor-encapsulated-options", "binary", CustomShape::default());
    definitions.add(own.unwrap()).unwrap();
    assert_eq!(definitions.by_code("dhcp4", 43).unwrap().data_type, DataType::Binary);
}

#[test]
fn names_that_came_later_are_free_for_other_codes() {
    let mut definitions = Definitions::new(Universe::V4);
    let plain = CustomShape::default();
    // Option 114 has this name today, 160 had it for a while.
    definitions.add(define("dhcp4", 160, "v4-captive-portal", "string", plain).unwrap()).unwrap();
    assert_eq!(definitions.by_name("dhcp4", "v4-captive-portal").unwrap().code, 160);
    let again = define("dhcp4", 161, "v4-captive-portal", "string", plain).unwrap();
    assert!(matches!(definitions.add(again), Err(DefinitionError::DuplicateName { .. })));
}

#[test]
fn vendor_spaces_are_recognised() {
    assert_eq!(vendor_enterprise("vendor-4491"), Some(4491));
    assert_eq!(vendor_enterprise("vendor-0"), Some(0));
    for ordinary in ["vendor-", "vendor-04", "vendor-4294967296", "vendor-+1", "vendor-x", "dhcp4"]
    {
        assert_eq!(vendor_enterprise(ordinary), None, "{ordinary}");
    }
}

#[test]
fn definitions_of_a_family_are_its_own() {
    let mut definitions = Definitions::new(Universe::V6);
    let plain = CustomShape::default();
    let code = |code| define("dhcp6", code, "own", "uint8", plain);
    assert!(code(65535).is_ok() && code(1000).is_ok());
    for found in [0, 65536] {
        let error = code(found).unwrap_err();
        assert!(matches!(error, DefinitionError::Code { code_min: 1, code_max: 65535, .. }));
    }
    let standard = definitions.add(code(23).unwrap());
    assert!(matches!(standard, Err(DefinitionError::Standard { code: 23, .. })));
    // Kea 1.1 had no definition of this one.
    definitions.add(code(64).unwrap()).unwrap();
    assert_eq!(definitions.by_name("dhcp6", "own").unwrap().code, 64);
    assert_eq!(definitions.by_code("vendor-4491", 33).unwrap().name, "config-file");
    assert!(definitions.by_code("dhcp4", 3).is_none());
    let names: Vec<_> = definitions.of_space("dhcp6").map(|row| &*row.name).collect();
    assert_eq!((names.first(), names.last()), (Some(&"clientid"), Some(&"own")));
}

#[test]
fn definitions_of_a_class_replace_others() {
    let mut definitions = Definitions::new(Universe::V4);
    let plain = CustomShape::default();
    let new = |code, name, data_type| define("dhcp4", code, name, data_type, plain).unwrap();
    definitions.add(new(224, "a", "uint8")).unwrap();
    definitions.add(new(225, "b", "uint8")).unwrap();
    definitions.supersede(new(225, "a", "string"));
    definitions.supersede(new(43, "own", "string"));
    assert_eq!(definitions.custom_of("dhcp4").len(), 2);
    let by_code = |code| definitions.by_code("dhcp4", code).map(|found| &*found.name);
    assert_eq!((by_code(224), by_code(225), by_code(43)), (None, Some("a"), Some("own")));
    assert_eq!(definitions.by_name("dhcp4", "a").map(|found| found.code), Some(225));
}
