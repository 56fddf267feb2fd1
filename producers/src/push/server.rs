//! The listener: takes connections, a bounded number of them, and serves HTTP/1.1 on each until it ends or a stop comes.
//!
//! A connection that is slow to shake hands or to send its headers is closed, and holds up no other.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use openssl::ssl::SslAcceptor;
use sanchar_runtime::lifecycle::{Failure, Shutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::caller::Peer;
use super::tls::shake_hands;

/// The most bytes of a request's headers.
const HEADER_BYTES_MAX: usize = 16 << 10;
/// How long the listener rests when the system gives it no connection, for want of file descriptors say.
const REST: Duration = Duration::from_millis(200);

/// A bound listener.
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) acceptor: Option<SslAcceptor>,
    pub(super) router: Router,
    pub(super) header_timeout: Duration,
    pub(super) connections_max: u32,
}

/// Binds.
///
/// # Errors
/// [`Failure`]: configuration (78) when the address is not this machine's or not permitted, unavailable (69) when it is in use.
pub(super) async fn bind(listen: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(listen).await.map_err(|error| {
        let message = format!("push.listen: cannot listen on {listen} ({error})");
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                Failure::unavailable(format!("{message}: stop what uses the port, or choose another"))
            }
            _ => {
                Failure::config(format!("{message}: choose an address of this machine and a port above 1023"))
            }
        }
    })
}

impl Server {
    /// Serves until `stop` is triggered, then lets open requests finish, for as long as `grace`.
    pub(super) async fn serve(self, stop: Shutdown, grace: Duration) {
        let Self { listener, acceptor, router, header_timeout, connections_max } = self;
        let places = Arc::new(Semaphore::new(usize::try_from(connections_max).unwrap_or(usize::MAX)));
        let connection = Arc::new(Connection {
            acceptor,
            service: TowerToHyperService::new(router),
            header_timeout,
            stop: stop.clone(),
        });
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = tokio::select! {
                next = next => next,
                () = stop.triggered() => break,
            };
            let Ok(place) = place else { break };
            match accepted {
                Ok((stream, _)) => drop(tokio::spawn(Arc::clone(&connection).run(stream, place))),
                Err(error) => {
                    tracing::debug!(%error, "no connection could be taken");
                    tokio::time::sleep(REST).await;
                }
            }
        }
        drop(listener);
        // All places are free when the last connection has ended.
        drop(tokio::time::timeout(grace, places.acquire_many(connections_max)).await);
    }
}

struct Connection {
    acceptor: Option<SslAcceptor>,
    service: TowerToHyperService<Router>,
    header_timeout: Duration,
    stop: Shutdown,
}

impl Connection {
    async fn run(self: Arc<Self>, stream: TcpStream, place: OwnedSemaphorePermit) {
        // Answers are one small packet each. A connection where this fails is served all the same.
        drop(stream.set_nodelay(true));
        match &self.acceptor {
            None => self.serve(stream, Peer::Unknown).await,
            Some(acceptor) => {
                let shaken = shake_hands(acceptor, stream, self.header_timeout);
                let shaken = tokio::select! {
                    shaken = shaken => shaken,
                    () = self.stop.triggered() => None,
                };
                if let Some((stream, peer)) = shaken {
                    self.serve(stream, peer).await;
                }
            }
        }
        drop(place);
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, peer: Peer) {
        let service = service_fn(|mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            self.service.call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_header_size(HEADER_BYTES_MAX)
            // A sender that has said all may close its side and still hear the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.triggered() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection of the push listener has ended early");
        }
    }
}
