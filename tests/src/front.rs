//! A front of the schema registry that answers some paths itself: an error, or the registry's own answer, but late.
//! Everything else it hands on. One request for each connection; no client of ours minds.

use anyhow::{Context as _, Result};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a path is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// This status with this body, as JSON.
    Error(u16, String),
    /// What the registry says, later by so much.
    Late(Duration),
}

/// The end of a path and what is answered to it.
type Answers = Arc<Mutex<Vec<(String, Answer)>>>;

/// A front; it serves until the process ends.
#[derive(Debug)]
pub struct Front {
    url: String,
    answers: Answers,
    /// Requests that were answered otherwise than by the registry alone.
    changed: Arc<AtomicU64>,
}

impl Front {
    /// A front of the registry at `url`, which names a port.
    ///
    /// # Errors
    /// When it does not have the form `http://host:port/…`, or no port can be had.
    pub fn of(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("http://").context("an http url")?;
        let (service, path) = rest.split_once('/').context("an url with a path")?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/{path}", listener.local_addr()?);
        let answers = Answers::default();
        let changed = Arc::<AtomicU64>::default();
        let (service, shared, counted) = (service.to_owned(), Arc::clone(&answers), Arc::clone(&changed));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (service, shared, counted) = (service.clone(), Arc::clone(&shared), Arc::clone(&counted));
                // A connection that fails is the client's to notice.
                std::thread::spawn(move || drop(serve(&client, &service, &shared, &counted)));
            }
        });
        Ok(Self { url, answers, changed })
    }

    /// Where the registry's API begins, by way of this front.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers paths that end so in this way from now on.
    pub fn answer(&self, end: &str, answer: Answer) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).push((end.to_owned(), answer));
    }

    /// How many requests were answered late, or with an error, so far.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Hands everything on again.
    pub fn mend(&self) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn serve(client: &TcpStream, service: &str, answers: &Answers, changed: &AtomicU64) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).and_then(|path| path.split('?').next()).unwrap_or_default();
    let answer = answer_of(path, answers);
    changed.fetch_add(u64::from(answer.is_some()), Ordering::Relaxed);
    match answer {
        Some(Answer::Error(status, body)) => {
            read_head(&mut reader)?;
            let mut client = client;
            return write!(
                client,
                "HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: \
                 close\r\n\r\n{body}",
                body.len()
            );
        }
        Some(Answer::Late(by)) => std::thread::sleep(by),
        None => {}
    }
    hand_on(&line, reader, client, service)
}

fn answer_of(path: &str, answers: &Answers) -> Option<Answer> {
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    answers.iter().find(|(end, _)| path.ends_with(end)).map(|(_, answer)| answer.clone())
}

/// Header lines without those that are about the connection, and the length of the body.
fn read_head(reader: &mut impl io::BufRead) -> io::Result<(String, u64)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
        if line.trim_end().is_empty() {
            return Ok((head, length));
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
}

fn hand_on(
    request: &str,
    mut from: BufReader<&TcpStream>,
    mut to: &TcpStream,
    service: &str,
) -> io::Result<()> {
    let (head, length) = read_head(&mut from)?;
    let mut registry = TcpStream::connect(service)?;
    write!(registry, "{request}{head}Connection: close\r\n\r\n")?;
    io::copy(&mut from.take(length), &mut registry)?;
    io::copy(&mut registry, &mut to)?;
    Ok(())
}
