//! Which certificates a producer was given: to the brokers, the registry, a database, and for its own listener.
//!
//! When they expire is for the chassis to show; what is wrong with one, for the part that uses it.

use std::path::PathBuf;

use sanchar_runtime::certificates::CertificateFile;

use crate::config::ProducerConfig;

/// The files, with what each is for.
pub(crate) fn files(config: &ProducerConfig) -> impl Iterator<Item = (CertificateFile, Option<PathBuf>)> {
    let own = |file: Option<&PathBuf>| file.map(|file| config.base().join(file));
    let tls = config.push.as_ref().and_then(|push| push.tls.as_ref());
    let postgres = config.postgres.as_ref().and_then(|postgres| postgres.ca_file.as_ref());
    let owns = [
        (CertificateFile::PostgresCa, own(postgres)),
        (CertificateFile::PushCertificate, own(tls.map(|tls| &tls.certificate))),
        (CertificateFile::PushClientCa, own(tls.and_then(|tls| tls.client_ca.as_ref()))),
    ];
    let of_others = config.kafka.certificate_files().into_iter().chain(config.registry.certificate_files());
    of_others.chain(owns)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_found_where_its_part_looks_for_it() {
        let example = include_str!("../../deploy/examples/chandigarh.toml");
        let mut table: toml::Table = example.parse().unwrap();
        let mut set = |section: &str, key: &str, value: &str| {
            let value = value.parse::<toml::Value>().unwrap();
            table[section].as_table_mut().unwrap().insert(key.to_owned(), value);
        };
        set("kafka", "ca_file", "'/etc/sanchar/ca.pem'");
        set("registry", "ca_file", "'/etc/sanchar/registry.pem'");
        set("push", "tls", "{ certificate = 'own.pem', key = 'own.key', client_ca = '/etc/senders.pem' }");
        let config: ProducerConfig = table.try_into().unwrap();
        let config = config.in_folder_of(Path::new("/etc/sanchar/ch/producer.toml"));
        let found: Vec<(&str, String)> = files(&config)
            .filter_map(|(which, file)| Some((which.as_str(), file?.display().to_string())))
            .collect();
        let wanted = [
            ("kafka.ca_file", "/etc/sanchar/ca.pem"),
            ("registry.ca_file", "/etc/sanchar/registry.pem"),
            ("push.tls.certificate", "/etc/sanchar/ch/own.pem"),
            ("push.tls.client_ca", "/etc/senders.pem"),
        ];
        assert_eq!(found, wanted.map(|(which, file)| (which, file.to_owned())));
    }
}
