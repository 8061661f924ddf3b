//! A DNS server that knows a few names, all of which are this machine.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

pub struct Dns {
    address: Ipv4Addr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Dns {
    /// One that knows these names, and says of every other that there is none.
    pub async fn serve(names: &[&str]) -> Self {
        // A resolver asks port 53 and no other, so each server has an address of its own, as all of 127.0.0.0/8 is this machine's.
        let address = Ipv4Addr::new(
            127,
            fastrand::u8(1..),
            fastrand::u8(..),
            fastrand::u8(1..255),
        );
        let socket = UdpSocket::bind((address, 53))
            .await
            .unwrap_or_else(|error| {
                panic!(
                    "a DNS server is at port 53, which this test may not use ({error}): run it as root, or after \
                     sysctl net.ipv4.ip_unprivileged_port_start=53"
                )
            });
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let task = tokio::spawn(answer(socket, names, Arc::clone(&asked)));
        Self {
            address,
            asked,
            task,
        }
    }

    /// Writes the resolv.conf that Kubernetes gives to a pod of namespace `default`.
    pub fn write_resolv_conf(&self, path: &Path) {
        let text = format!(
            "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver {}\noptions ndots:5\n",
            self.address
        );
        std::fs::write(path, text).unwrap();
    }

    /// The names it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(socket: UdpSocket, names: Vec<String>, asked: Arc<Mutex<Vec<String>>>) {
    let mut buffer = [0; 512];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).await.unwrap();
        let query = &buffer[..length];
        let (name, question) = question(query);
        let known = names.contains(&name);
        asked.lock().unwrap().push(name);
        // Type A, of class IN. A name that is known has no other addresses.
        let is_a = question[question.len() - 4..] == [0, 1, 0, 1];
        let mut reply = query[..2].to_vec();
        // An answer, with recursion, without an error or "no such name".
        reply.extend([0x81, if known { 0x80 } else { 0x83 }]);
        reply.extend([0, 1, 0, u8::from(known && is_a), 0, 0, 0, 0]);
        reply.extend(question);
        if known && is_a {
            // The name as in the question, A, IN, for a minute, four octets.
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        socket.send_to(&reply, client).await.unwrap();
    }
}

/// The name in a query of one question, and the question as it is written.
fn question(query: &[u8]) -> (String, &[u8]) {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), &query[12..at + 5])
}
