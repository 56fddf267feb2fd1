//! The proxy in front of a broker that answers each request with its own bytes.

use super::*;

/// A broker that answers each request with its bytes behind the correlation id, and tells when it got one.
fn broker() -> (String, std::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = std::sync::mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let sender = sender.clone();
            std::thread::spawn(move || {
                while let Ok(request) = read_frame(&client) {
                    sender.send(request[12..].to_vec()).unwrap();
                    drop(write(&client, &framed(&[&request[8..]])));
                }
            });
        }
    });
    (address, receiver)
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
}

fn ask(stream: &TcpStream, api: Api, id: u8, text: &[u8]) {
    write(stream, &framed(&[&(api as i16).to_be_bytes(), &[0, 0], &[0, 0, 0, id], text])).unwrap();
}

fn answer(stream: &TcpStream) -> Option<Vec<u8>> {
    read_frame(stream).ok().map(|frame| frame[7..].to_vec())
}

#[test]
fn a_held_request_reaches_the_broker_after_its_connection_was_cut() {
    let (address, got) = broker();
    let proxy = Proxy::before(&address).unwrap();
    let client = TcpStream::connect(proxy.address()).unwrap();
    proxy.after(1, Frames::Requests(Api::EndTxn), Deed::Hold);
    ask(&client, Api::EndTxn, 1, b"first");
    assert_eq!(answer(&client).unwrap(), b"\x01first");
    ask(&client, Api::EndTxn, 2, b"second");
    proxy.wait_held(Frames::Requests(Api::EndTxn)).unwrap();
    proxy.cut();
    assert_eq!(answer(&client), None);
    let other = TcpStream::connect(proxy.address()).unwrap();
    ask(&other, Api::EndTxn, 3, b"third");
    assert_eq!(answer(&other).unwrap(), b"\x03third");
    proxy.release(Frames::Requests(Api::EndTxn));
    let order: Vec<_> = (0..3).map(|_| got.recv().unwrap()).collect();
    assert_eq!(order, [&b"first"[..], b"third", b"second"]);
}

#[test]
fn a_lost_answer_is_the_only_thing_lost() {
    let (address, got) = broker();
    let proxy = Proxy::before(&address).unwrap();
    let client = TcpStream::connect(proxy.address()).unwrap();
    proxy.next(Frames::Responses(Api::Produce), Deed::Lose);
    proxy.next(Frames::Responses(Api::Fetch), Deed::Delay(Duration::from_millis(1)));
    ask(&client, Api::Produce, 1, b"lost");
    ask(&client, Api::Fetch, 2, b"late");
    ask(&client, Api::Produce, 3, b"there");
    assert_eq!(answer(&client).unwrap(), b"\x02late");
    assert_eq!(answer(&client).unwrap(), b"\x03there");
    assert_eq!(got.iter().take(3).count(), 3);
    assert!(!proxy.is_waiting());
    proxy.every(Frames::Requests(Api::Produce), Deed::Cut);
    ask(&client, Api::Produce, 4, b"never");
    assert_eq!(answer(&client), None);
}

#[test]
fn the_broker_is_found_behind_the_proxy() {
    let (address, _got) = broker();
    let proxy = Proxy::before(&address).unwrap();
    let client = TcpStream::connect(proxy.address()).unwrap();
    let port = |address: &str| address.split_once(':').unwrap().1.parse::<i32>().unwrap().to_be_bytes();
    ask(&client, Api::Metadata, 1, &[b"127.0.0.1", &port(&address)[..], b"more"].concat());
    let expected = [b"\x01127.0.0.1", &port(proxy.address())[..], b"more"].concat();
    assert_eq!(answer(&client).unwrap(), expected);
}

#[test]
fn a_list_of_brokers_is_emptied_and_nothing_else_changes() {
    let before: &[u8] = &[0, 0, 0, 7, 0, 0, 0, 0, 1];
    let broker: &[u8] = &[0, 0, 0, 1, 4, b'a', b'b', b'c', 0, 0, 1, 2, 0, 0];
    let rest: &[u8] = &[9, 9, 9];
    let with = framed(&[before, &[3], broker, broker, rest]);
    assert_eq!(without_brokers(&with).unwrap(), framed(&[before, &[1], rest]));
    assert_eq!(without_brokers(&with[..20]), None);
}
