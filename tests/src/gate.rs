//! A gate in front of a service: a port that passes connections on while it is open, and ends them while it is shut.
//! A test shuts it to take the service away from one daemon and from nobody else.

use anyhow::{Context as _, Result};
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A gate; shut when dropped.
#[derive(Debug)]
pub struct Gate {
    address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    /// Connections that were ended or refused so far.
    refused: u64,
    passing: Vec<TcpStream>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate {
    /// A gate in front of `service` (`host:port`), shut.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn shut(service: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let (service, shared) = (service.to_owned(), Arc::clone(&state));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is the client's to notice.
                drop(pass(client, &service, &shared));
            }
        });
        Ok(Self { address, state })
    }

    /// The same url, through the gate in front of its host. The url names a port.
    ///
    /// # Errors
    /// When it does not have the form `http://host:port/…`.
    pub fn before(url: &str) -> Result<(Self, String)> {
        let rest = url.strip_prefix("http://").context("an http url")?;
        let (service, path) = rest.split_once('/').context("an url with a path")?;
        let gate = Self::shut(service)?;
        let url = format!("http://{}/{path}", gate.address);
        Ok((gate, url))
    }

    /// Lets connections through from now on.
    pub fn open(&self) {
        locked(&self.state).is_open = true;
    }

    /// How many connections were ended or refused so far; one counts for each of its two sides where it was open.
    #[must_use]
    pub fn refused(&self) -> u64 {
        locked(&self.state).refused
    }

    /// Ends the connections there are and every new one.
    pub fn close(&self) {
        let mut state = locked(&self.state);
        state.is_open = false;
        state.refused += state.passing.len() as u64;
        for stream in state.passing.drain(..) {
            // It may have ended by itself.
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.close();
    }
}

fn pass(client: TcpStream, service: &str, state: &Mutex<State>) -> io::Result<()> {
    let mut state = locked(state);
    if !state.is_open {
        state.refused += 1;
        return client.shutdown(Shutdown::Both);
    }
    let server = TcpStream::connect(service)?;
    state.passing.extend([client.try_clone()?, server.try_clone()?]);
    for (mut from, mut to) in [(client.try_clone()?, server.try_clone()?), (server, client)] {
        std::thread::spawn(move || {
            // Either side may end at any moment; then both do.
            drop(io::copy(&mut from, &mut to));
            drop(to.shutdown(Shutdown::Both));
        });
    }
    Ok(())
}
