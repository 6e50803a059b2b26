//! The program itself: `--explain` over captures and digits. It needs neither rights nor sockets.
#![allow(clippy::disallowed_methods, reason = "a program is run, and files are made for it")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use libdhcp::v4::MessageType;

use crate::explain::{SITE, windows};
use crate::stand::SERVER;

/// Runs the program; returns its exit code, what it prints and what it complains about.
fn program(arguments: &[&OsStr], input: &[u8]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kea-dhcp4"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program is built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A program that wants no input has closed it.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// An Ethernet frame with a UDP datagram of a client without an address, or of a server.
fn frame(payload: &[u8], source_port: u16, port: u16) -> Vec<u8> {
    let len = (payload.len() + 28) as u16;
    let mut frame = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 1], &[8, 0, 0x45, 0]].concat();
    frame.extend(len.to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    for number in [source_port, port, len - 20, 0] {
        frame.extend(number.to_be_bytes());
    }
    frame.extend_from_slice(payload);
    frame
}

/// A pcap file.
fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1]);
    for frame in frames {
        let len = frame.len() as u32;
        file.extend(words(&[1_800_000_000, 0, len, len]));
        file.extend_from_slice(frame);
    }
    file
}

#[test]
fn the_program_explains_captures_and_digits_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("the folder can be written to");
        path.into_os_string()
    };
    let header = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,\
                  user_context,pool_id\n";
    let leases = format!("{header}192.0.2.20,02:00:00:00:00:07,,4000,9000000000,1,0,0,,0,,0\n");
    let lease_file = file("leases.csv", leases.as_bytes());
    let members = format!(
        "\"lease-database\": {{ \"type\": \"memfile\", \"name\": {lease_file:?} }},
         \"interfaces-config\": {{ \"interfaces\": [ \"no-such-interface\" ] }}, {SITE}"
    );
    let config = file("kea.conf", format!("{{ \"Dhcp4\": {{ {members} }} }}").as_bytes());
    let on = "no-such-interface/192.0.2.1";
    let explain = |what: &OsStr, more: &[&str], input: &[u8]| {
        let mut arguments = vec!["-c".as_ref(), config.as_ref(), "--explain".as_ref(), what];
        let more = ["--on", on].into_iter().chain(more.iter().copied());
        arguments.extend(more.map(OsStr::new));
        program(&arguments, input)
    };
    let discover = windows().message.to_bytes().expect("no option is a filler");
    let digits: String = discover.iter().map(|byte| format!("{byte:02x}")).collect();

    let (code, page, complaints) = explain(digits.as_ref(), &[], b"");
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    assert!(page.contains("leases         1, of "), "{page}");
    assert!(
        page.contains("free         192.0.2.21  taken: from pool"),
        "192.0.2.20 is leased: {page}"
    );
    let (_, page, _) = explain("-".as_ref(), &["--leases", "none"], digits.as_bytes());
    assert!(page.contains("free         192.0.2.20  taken: from pool"), "{page}");

    let request = windows().kind(MessageType::Request).server(SERVER);
    let request = request.requested(Ipv4Addr::new(192, 0, 2, 21));
    let request = request.message.to_bytes().expect("no option is a filler");
    let mut reply = discover.clone();
    reply[0] = 2;
    let frames = [
        frame(&discover, 68, 67),
        frame(&reply, 67, 68),
        frame(&request, 68, 67),
        frame(&discover, 68, 67),
        frame(b"?", 1, 53),
    ];
    let pcap = file("dhcp.pcap", &capture(&frames));
    let (code, page, complaints) = explain(&pcap, &[], b"");
    assert_eq!((code, complaints.as_str()), (Some(0), ""));
    let answers: Vec<_> = page.lines().filter(|line| line.starts_with("Answer")).collect();
    assert_eq!(
        answers,
        [
            "Answer       DHCPOFFER of 192.0.2.21 for 4000 s",
            "Answer       DHCPACK of 192.0.2.21 for 4000 s",
            "Answer       DHCPOFFER of 192.0.2.21 for 4000 s"
        ]
    );
    assert!(page.contains("taken: leased to this client"), "{page}");
    assert!(page.contains("---- frame 3 of "), "{page}");
    let end = page.lines().last().unwrap_or_default();
    assert!(
        end.starts_with("3 of 5 frames of ") && end.ends_with("; others: 2 to elsewhere"),
        "{end}"
    );
    let one = [frame(&discover, 68, 67)[..]
        .iter()
        .map(|byte| format!("{byte:02x} "))
        .collect::<String>()];
    let (code, page, _) = explain(one[0].as_ref(), &[], b"");
    assert!(code == Some(0) && page.contains("DHCPOFFER of 192.0.2.21"), "{page}");

    for (what, more, expected) in [
        ("hello", &[][..], "'hello' is no file, and no packet in hexadecimal digits either"),
        ("/nowhere/x.pcap", &[], "cannot read /nowhere/x.pcap: "),
        (
            "01",
            &["--leases", "/nowhere/leases.csv"],
            "--leases: there is no file /nowhere/leases.csv",
        ),
    ] {
        let (code, page, complaints) = explain(what.as_ref(), more, b"");
        assert!(
            code == Some(1) && page.is_empty() && complaints.contains(expected),
            "{complaints}"
        );
    }
    let other = file("other.pcap", &capture(&frames[4..]));
    let (code, _, complaints) = explain(&other, &[], b"");
    assert!(code == Some(1) && complaints.contains("0 of 1 frames of "), "{complaints}");

    let after = fs::read_to_string(&lease_file).expect("it is still there");
    assert_eq!(after, leases, "nothing is written");
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("it is still there")
        .flatten()
        .map(|entry| entry.file_name().into_string().expect("names are text"))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["dhcp.pcap", "kea.conf", "leases.csv", "other.pcap"]);
}
