//! What a configuration or a file has wrong is said before the daemon runs, by each command that looks: their answers and exit
//! codes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples")
}

/// A folder with an example, its data beside it, and some texts replaced.
fn example(name: &str, changes: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = std::fs::read_to_string(examples().join(name)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from} is not in {name}");
        text = text.replace(from, to);
    }
    std::fs::write(folder.path().join("state.toml"), text).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    for entry in std::fs::read_dir(examples().join("data")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join("data").join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn run(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"));
    command.current_dir(folder).env_remove("SANCHAR_CONFIG").args(["-c", "state.toml"]).args(args);
    command.envs(environment.iter().copied()).output().unwrap()
}

fn all(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_record_that_no_document_has_is_refused_by_every_command_that_looks() {
    let folder = example("rajasthan.toml", &[("record = \"fir\"", "record = \"FIR\"")]);
    for args in [&["check-config"][..], &["dry-run"], &["doctor"]] {
        let output = run(folder.path(), args, &[]);
        let answer = all(&output);
        assert_eq!(output.status.code(), Some(78), "{args:?}: {answer}");
        assert!(answer.contains("has no element `FIR`; in its outermost element"), "{args:?}: {answer}");
        assert!(answer.contains("`fir`"), "{args:?}: {answer}");
    }
}

#[test]
fn secrets_and_certificates_that_the_daemon_could_not_read_are_missed_before_it_runs() {
    let folder = example("chandigarh.toml", &[]);
    let path = folder.path().join("state.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("\ntokens").unwrap();
    let (_, behind) = rest.split_once('\n').unwrap();
    let with = |lines: &str| std::fs::write(&path, format!("{before}\n{lines}\n{behind}")).unwrap();
    let refused = |part: &str| {
        for args in [&["check-config"][..], &["doctor"]] {
            let output = run(folder.path(), args, &[]);
            let answer = all(&output);
            assert_eq!(output.status.code(), Some(78), "{args:?}: {answer}");
            assert!(answer.contains(part), "{args:?}: {answer}\nshould say\n{part}");
        }
    };
    with("tokens_file = 'nowhere'");
    refused("push.tokens_file ./nowhere: cannot be read");
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    with("tokens_file = 'empty'");
    refused("is empty: write a token into it");
    std::fs::write(folder.path().join("t"), "0123456789abcdef0123\n").unwrap();
    with("tokens_file = 't'\ntls = { certificate = 'no.pem', key = 'no.key' }");
    refused("push.tls.certificate ./no.pem: cannot be used");

    with("tokens_file = 't'");
    // A group may read: packages and Kubernetes hand secrets out so.
    for (mode, is_remarked) in [(0o644, true), (0o640, false), (0o600, false)] {
        std::fs::set_permissions(folder.path().join("t"), std::fs::Permissions::from_mode(mode)).unwrap();
        let output = run(folder.path(), &["check-config"], &[]);
        let answer = all(&output);
        assert!(output.status.success(), "{answer}");
        assert!(answer.contains("its mapping fits the keys of the items that are pushed"), "{answer}");
        assert_eq!(
            answer.contains("is open to every user of this machine: t has mode 0644"),
            is_remarked,
            "{answer}"
        );
    }
}

#[test]
fn files_beside_a_configuration_that_is_named_without_a_folder_are_found() {
    let named = "data/karnataka-fir-excerpt.csv";
    let folder = example("karnataka.toml", &[(named, "k*.csv")]);
    std::fs::copy(folder.path().join(named), folder.path().join("k1.csv")).unwrap();
    let answer = all(&run(folder.path(), &["check-config"], &[]));
    assert!(answer.contains("its mapping fits the 1 source file\n"), "{answer}");
    let output = run(folder.path(), &["dry-run"], &[]);
    let answer = all(&output);
    assert!(output.status.success() && answer.contains("   k1.csv:"), "{answer}");
}

#[test]
fn a_file_that_is_not_there_is_told_from_one_that_must_not_be_read() {
    let folder = example("karnataka.toml", &[("karnataka-fir-excerpt.csv", "karnataka-fir-exerpt.csv")]);
    let output = run(folder.path(), &["check-config"], &[]);
    let answer = all(&output);
    let wanted = "warning: source.files: data/karnataka-fir-exerpt.csv is not there: correct the name, or put the file there\n";
    assert!(output.status.success() && answer.contains(wanted), "{answer}");
    let output = run(folder.path(), &["dry-run"], &[]);
    let answer = all(&output);
    assert_eq!(output.status.code(), Some(78), "{answer}");
    assert!(
        answer.contains("data/karnataka-fir-exerpt.csv: is not there: correct its name, or put it there"),
        "{answer}"
    );
    let output = run(folder.path(), &["infer", "nope.csv"], &[]);
    let answer = all(&output);
    assert_eq!(output.status.code(), Some(64), "{answer}");
    assert!(
        answer.contains("nope.csv: cannot be read") && answer.contains("name a file of rows that is there"),
        "{answer}"
    );
}

#[test]
fn an_address_is_never_printed_with_its_log_in() {
    let folder = example("goa.toml", &[]);
    for address in ["http://u:hunter2@host/", "http://u:hun/ter2@host/", "registry://hunter2@host"] {
        let environment = [("SANCHAR__REGISTRY__URL", address), ("SANCHAR__TELEMETRY__OTLP", address)];
        for args in ["print-config", "check-config", "dry-run"] {
            let answer = all(&run(folder.path(), &[args], &environment));
            assert!(!answer.contains("hunter") && !answer.contains("ter2"), "{args} {address}: {answer}");
        }
        let printed = all(&run(folder.path(), &["print-config"], &environment));
        assert_eq!(printed.matches("://[redacted]@host").count(), 2, "{printed}");
    }
    for address in ["registry:8081", "http://", "//host/x"] {
        let output = run(folder.path(), &["check-config"], &[("SANCHAR__REGISTRY__URL", address)]);
        let answer = all(&output);
        assert_eq!(output.status.code(), Some(78), "{address}: {answer}");
        assert!(answer.contains("registry.url"), "{address}: {answer}");
    }
}

#[test]
fn what_matches_nothing_or_lies_where_others_write_is_refused() {
    let goa = "files = [\"data/goa-firs.csv\"]";
    for (from, to, part) in [
        (goa, "files = [\"*/goa-firs.csv\"]", "source.files names `*/goa-firs.csv`, whose folder holds"),
        (goa, "files = [\"data/goa-[f]irs.csv\"]", "brackets are no pattern here"),
        (
            "folder = \"store/goa\"",
            "folder = \"data/store\"",
            "store.folder lies in the folder that files are dropped in",
        ),
        (
            "folder = \"store/goa\"",
            "folder = \"./data\"",
            "store.folder lies in the folder that files are dropped in",
        ),
    ] {
        let folder =
            example("goa.toml", &[(goa, "files = [\"data/goa-firs.csv\"]\nafter = \"move\""), (from, to)]);
        let output = run(folder.path(), &["check-config"], &[]);
        assert_eq!(output.status.code(), Some(78), "{to}: {}", all(&output));
        assert!(all(&output).contains(part), "{}", all(&output));
    }
}

#[test]
fn a_rule_that_the_environment_sets_is_put_down_to_it() {
    let folder = example("goa.toml", &[]);
    let environment = [("SANCHAR__WITHHOLDING__RESTRICTED", "publish")];
    let printed = all(&run(folder.path(), &["rules"], &environment));
    let wanted = "# environment variable SANCHAR__WITHHOLDING__RESTRICTED\nrestricted = \"publish\"\n";
    assert!(printed.starts_with(wanted), "{printed}");
}

#[test]
fn what_infer_cannot_read_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let data = |name: &str| examples().join("data").join(name);
    let put = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    for (path, part) in [
        (data("punjab-2024-09-05.json"), "is a json list, and infer reads csv and json lines"),
        (data("rajasthan-firs.xml"), "is xml, and infer reads csv and json lines"),
        (put("one.json", b"{\n \"no\": 1\n}\n"), "is json over several lines"),
        (put("a.xlsx", b"PK\x03\x04rest"), "is a spreadsheet or an archive"),
    ] {
        let output = run(folder.path(), &["infer", "--state", "IN-PB", path.to_str().unwrap()], &[]);
        let answer = all(&output);
        assert_eq!(output.status.code(), Some(64), "{answer}");
        assert!(answer.contains(part), "{answer}");
    }
    let packed = data("himachal-firs.csv.gz");
    let output = run(folder.path(), &["infer", packed.to_str().unwrap()], &[]);
    let answer = all(&output);
    assert!(output.status.success() && answer.contains("himachal-firs.csv.gz"), "{answer}");
}
