//! A proxy between one daemon and a broker that knows where Kafka's requests and responses begin and of which kind they
//! are. A test holds some back, loses or delays them, and cuts the daemon's connections; nobody else notices.
//!
//! It reads the frame, the api key and the correlation id, and puts its own port in place of the broker's where the
//! broker tells a client where to go. Everything else passes as it came. In front of a cluster of one broker.
//!
//! As on a network, what stands behind a held frame on its connection waits too. A held request outlives the client's
//! connection: the broker may still get it long after the client has gone on over another.

mod frame;

use crate::daemon::wait_for;
use anyhow::{Context as _, Result};
use frame::{part, read_frame, without_brokers, write};
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Kinds of requests by their api key (Kafka protocol guide, "Api keys"); those that something happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i16)]
pub enum Api {
    /// Records to a partition.
    Produce = 0,
    /// Records of partitions.
    Fetch = 1,
    /// Brokers, topics, leaders.
    Metadata = 3,
    /// Which broker coordinates a group or a transactional id.
    FindCoordinator = 10,
    /// A producer gets an epoch and fences the one before.
    InitProducerId = 22,
    /// The end of a transaction.
    EndTxn = 26,
    /// Offsets inside a transaction.
    TxnOffsetCommit = 28,
}

/// Frames of one kind: the requests of an api, or the responses to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frames {
    /// From the client.
    Requests(Api),
    /// From the broker, which has acted.
    Responses(Api),
    /// Of every kind, both ways.
    Any,
}

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It waits for [`Proxy::release`].
    Hold,
    /// It never arrives. The connection stays.
    Lose,
    /// It arrives later by so much.
    Delay(Duration),
    /// It never arrives, and its connection ends.
    Cut,
    /// A response to [`Api::Metadata`] arrives with an empty list of brokers, as a broker sends it that its controller takes
    /// for dead.
    DenyBrokers,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    deed: Deed,
    /// How many frames pass before it applies.
    passing: usize,
    /// How many more frames it applies to.
    left: usize,
}

#[derive(Debug, Default)]
struct State {
    rules: HashMap<Frames, Rule>,
    /// Frames held now.
    held: HashMap<Frames, usize>,
    /// Counted up by each release; a held frame waits for the next one.
    releases: HashMap<Frames, u64>,
    /// Frames that something was done to so far.
    met: HashMap<Frames, u64>,
    /// Frames that arrived at the proxy, requests and responses.
    seen: HashMap<i16, (u64, u64)>,
    /// Connections that the broker has not ended: the client's side and the broker's, by number.
    connections: HashMap<u64, (TcpStream, TcpStream)>,
    connected: u64,
    is_shut: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy; when dropped it ends its connections and loses what it holds.
#[derive(Debug)]
pub struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// A proxy in front of the broker at `kafka` (`127.0.0.1:port`), under an address of its own.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn before(kafka: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (host, port) = kafka.split_once(':').context("host:port")?;
        let port: u16 = port.parse()?;
        let shared = Arc::new(Shared::default());
        let route = Arc::new(Route {
            broker: kafka.to_owned(),
            told: advertised(host, port),
            instead: advertised(host, address.port()),
            shared: Arc::clone(&shared),
        });
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is the client's to notice.
                drop(route.connect(client));
            }
        });
        Ok(Self { address: address.to_string(), shared })
    }

    /// Where the daemon finds the broker: `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Does this to the next such frame, and to none after it.
    pub fn next(&self, frames: Frames, deed: Deed) {
        self.after(0, frames, deed);
    }

    /// Lets so many such frames pass, does this to the one after them, and to none after it.
    pub fn after(&self, passing: usize, frames: Frames, deed: Deed) {
        self.rule(frames, Rule { deed, passing, left: 1 });
    }

    /// Does this to the next so many such frames.
    pub fn times(&self, count: usize, frames: Frames, deed: Deed) {
        self.rule(frames, Rule { deed, passing: 0, left: count });
    }

    /// Does this to every such frame until [`Proxy::release`].
    pub fn every(&self, frames: Frames, deed: Deed) {
        self.rule(frames, Rule { deed, passing: 0, left: usize::MAX });
    }

    fn rule(&self, frames: Frames, rule: Rule) {
        self.shared.locked().rules.insert(frames, rule);
    }

    /// Whether something that was asked for with [`Proxy::next`] or [`Proxy::after`] has not happened yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.shared.locked().rules.values().any(|rule| (1..usize::MAX / 2).contains(&rule.left))
    }

    /// How many frames of this kind something was done to so far.
    #[must_use]
    pub fn met(&self, frames: Frames) -> u64 {
        self.shared.locked().met.get(&frames).copied().unwrap_or_default()
    }

    /// Lets these frames pass again, and those go on that were held.
    pub fn release(&self, frames: Frames) {
        let mut state = self.shared.locked();
        state.rules.remove(&frames);
        *state.releases.entry(frames).or_default() += 1;
        self.shared.changed.notify_all();
    }

    /// Waits until a frame of this kind is held.
    ///
    /// # Errors
    /// When none is within a minute.
    pub fn wait_held(&self, frames: Frames) -> Result<()> {
        wait_for(&format!("{frames:?} to be held"), || Ok((self.held(frames) > 0).then_some(())))
    }

    /// How many frames of this kind are held now.
    #[must_use]
    pub fn held(&self, frames: Frames) -> usize {
        self.shared.locked().held.get(&frames).copied().unwrap_or_default()
    }

    /// How many frames of this kind came so far, whatever became of them.
    #[must_use]
    pub fn seen(&self, frames: Frames) -> u64 {
        let seen = &self.shared.locked().seen;
        let of = |api: Api| seen.get(&(api as i16)).copied().unwrap_or_default();
        match frames {
            Frames::Requests(api) => of(api).0,
            Frames::Responses(api) => of(api).1,
            Frames::Any => seen.values().map(|(requests, responses)| requests + responses).sum(),
        }
    }

    /// Ends the client's connections. What is held on its way to the broker can still be released; what the broker
    /// answers to it goes nowhere. Gives how many there were.
    pub fn cut(&self) -> usize {
        let state = self.shared.locked();
        for (client, _) in state.connections.values() {
            end(client);
        }
        state.connections.len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.locked();
        state.is_shut = true;
        for (client, broker) in state.connections.values() {
            end(client);
            end(broker);
        }
        self.shared.changed.notify_all();
    }
}

fn end(stream: &TcpStream) {
    // It may have ended by itself.
    drop(stream.shutdown(Shutdown::Both));
}

/// How a broker writes its address into responses, in every version of every request that does.
fn advertised(host: &str, port: u16) -> Vec<u8> {
    [host.as_bytes(), &i32::from(port).to_be_bytes()].concat()
}

/// What all connections of a proxy have in common.
struct Route {
    broker: String,
    told: Vec<u8>,
    instead: Vec<u8>,
    shared: Arc<Shared>,
}

/// Requests of a connection that were not answered yet: their api keys by correlation id.
type Asked = Mutex<HashMap<[u8; 4], i16>>;

impl Route {
    fn connect(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        let broker = TcpStream::connect(&self.broker)?;
        for stream in [&client, &broker] {
            stream.set_nodelay(true)?;
        }
        let mut state = self.shared.locked();
        if state.is_shut {
            return Ok(());
        }
        state.connected += 1;
        let number = state.connected;
        state.connections.insert(number, (client.try_clone()?, broker.try_clone()?));
        drop(state);
        let asked = Arc::new(Asked::default());
        let (route, requests) = (Arc::clone(self), (client.try_clone()?, broker.try_clone()?));
        let answers = Arc::clone(&asked);
        std::thread::spawn(move || {
            let (client, broker) = requests;
            // Either side may end at any moment. The broker answers what it has got before it notices.
            drop(route.requests(&client, &broker, &asked));
            drop(broker.shutdown(Shutdown::Write));
        });
        let route = Arc::clone(self);
        std::thread::spawn(move || {
            drop(route.responses(&broker, &client, &answers));
            end(&client);
            route.shared.locked().connections.remove(&number);
        });
        Ok(())
    }

    fn requests(&self, client: &TcpStream, broker: &TcpStream, asked: &Asked) -> io::Result<()> {
        loop {
            let mut frame = read_frame(client)?;
            let (Some(key), Some(id)) = (part::<2>(&frame, 4), part::<4>(&frame, 8)) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let key = i16::from_be_bytes(key);
            asked.lock().unwrap_or_else(PoisonError::into_inner).insert(id, key);
            self.shared.locked().seen.entry(key).or_default().0 += 1;
            if self.passes(key, Frames::Requests, &mut frame)? {
                write(broker, &frame)?;
            }
        }
    }

    fn responses(&self, broker: &TcpStream, client: &TcpStream, asked: &Asked) -> io::Result<()> {
        loop {
            let mut frame = read_frame(broker)?;
            let id = part::<4>(&frame, 4).ok_or(io::ErrorKind::InvalidData)?;
            let key = asked.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
            let key = key.ok_or(io::ErrorKind::InvalidData)?;
            self.shared.locked().seen.entry(key).or_default().1 += 1;
            if key == Api::Metadata as i16 || key == Api::FindCoordinator as i16 {
                self.redirect(&mut frame);
            }
            // A client that is gone is no reason to leave the broker's answers unread.
            if self.passes(key, Frames::Responses, &mut frame)? && write(client, &frame).is_err() {
                end(client);
            }
        }
    }

    /// Does what is to be done to a frame. Whether it then goes on its way; an error ends its connection.
    fn passes(&self, key: i16, frames: fn(Api) -> Frames, frame: &mut Vec<u8>) -> io::Result<bool> {
        let mut state = self.shared.locked();
        let rule = state.rules.iter_mut().find(|(of, rule)| is_of(**of, key, frames) && rule.left > 0);
        let Some((&of, rule)) = rule else { return Ok(true) };
        if rule.passing > 0 {
            rule.passing -= 1;
            return Ok(true);
        }
        rule.left -= 1;
        let deed = rule.deed;
        *state.met.entry(of).or_default() += 1;
        match deed {
            Deed::Lose => Ok(false),
            Deed::DenyBrokers => {
                *frame = without_brokers(frame).ok_or(io::ErrorKind::InvalidData)?;
                Ok(true)
            }
            Deed::Cut => Err(io::ErrorKind::ConnectionAborted.into()),
            Deed::Delay(by) => {
                drop(state);
                std::thread::sleep(by);
                Ok(true)
            }
            Deed::Hold => {
                let releases = state.releases.get(&of).copied().unwrap_or_default();
                *state.held.entry(of).or_default() += 1;
                let waits = |state: &mut State| {
                    !state.is_shut && state.releases.get(&of).copied().unwrap_or_default() == releases
                };
                let released = self.shared.changed.wait_while(state, waits);
                let mut state = released.unwrap_or_else(PoisonError::into_inner);
                *state.held.entry(of).or_default() -= 1;
                if state.is_shut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(true) }
            }
        }
    }

    /// The address has the same length whatever the port, so nothing else in the frame changes.
    fn redirect(&self, frame: &mut [u8]) {
        let mut from = 0;
        while let Some(place) = frame.get_mut(from..from + self.told.len()) {
            if place == self.told {
                place.copy_from_slice(&self.instead);
            }
            from += 1;
        }
    }
}

fn is_of(of: Frames, key: i16, frames: fn(Api) -> Frames) -> bool {
    match of {
        Frames::Requests(api) | Frames::Responses(api) => api as i16 == key && frames(api) == of,
        Frames::Any => true,
    }
}

#[cfg(test)]
mod tests;
