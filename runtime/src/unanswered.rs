//! Why a question over HTTP got no answer, as one of a few reasons: an address that nobody has asks for another remedy than one
//! where nothing listens.
//!
//! The client's own words repeat the address and say little. What an answer says is not judged here.

use std::error::Error as _;
use std::fmt;
use std::io::{self, ErrorKind};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// The name of the host leads to no address.
    UnknownHost,
    /// The host is there, and refuses the port.
    Refused,
    /// The network knows no way to the host.
    Unreachable,
    /// Nothing came in time.
    TimedOut,
    /// A connection, but not one that can be trusted or that speaks TLS.
    Tls,
    /// Something answered that is not HTTP.
    NotHttp,
}

impl Unanswered {
    /// The reason of an error of the HTTP client.
    #[must_use]
    pub fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let mut cause = error.source();
        while let Some(one) = cause {
            // The client wraps the resolver's error, whose kind says nothing, in one that says this.
            if one.to_string() == "dns error" {
                return Self::UnknownHost;
            }
            match one.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(ErrorKind::ConnectionRefused) => return Self::Refused,
                Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
                    return Self::Unreachable;
                }
                Some(ErrorKind::TimedOut) => return Self::TimedOut,
                _ => cause = one.source(),
            }
        }
        if error.is_connect() { Self::Tls } else { Self::NotHttp }
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownHost => "no host has that name",
            Self::Refused => "nothing listens there",
            Self::Unreachable => "there is no way to that host",
            Self::TimedOut => "no answer in time",
            Self::Tls => "no connection that can be trusted",
            Self::NotHttp => "what answers there does not speak http",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn asked(url: &str) -> Unanswered {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().unwrap();
        Unanswered::of(&client.get(url).send().await.unwrap_err())
    }

    #[tokio::test]
    async fn each_kind_of_silence_has_its_reason() {
        // RFC 6761 keeps `.invalid` from ever being a name; port 1 is never served on loopback.
        assert_eq!(asked("http://nobody.invalid:9464/").await, Unanswered::UnknownHost);
        assert_eq!(asked("http://127.0.0.1:1/").await, Unanswered::Refused);

        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = silent.local_addr().unwrap();
        assert_eq!(asked(&format!("http://{address}/")).await, Unanswered::TimedOut);

        let babbler = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = babbler.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = babbler.accept().await {
                stream.write_all(b"220 mail.example ready\r\n").await.unwrap();
            }
        });
        assert_eq!(asked(&format!("http://{address}/")).await, Unanswered::NotHttp);
        assert_eq!(asked(&format!("https://{address}/")).await, Unanswered::Tls);
    }
}
