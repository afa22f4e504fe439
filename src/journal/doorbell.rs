//! The doorbell of a run: says that an order lies in the inbox, so that the coordinator need not look all the time.

use super::Folder;
use std::{
    fs::{self, File},
    io,
    os::{fd::AsRawFd, unix::net::UnixDatagram},
    path::PathBuf,
};

const NAME: &str = "doorbell";

/// The coordinator's end. Listen first, look into the inbox then, and after each ring again: so no order is missed.
#[derive(Debug)]
pub struct Doorbell {
    socket: tokio::net::UnixDatagram,
    path: PathBuf,
}

impl Doorbell {
    /// Listens in the run's folder. For the holder of the run's lock, in a tokio runtime: what a dead one left is replaced.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn listen(folder: &Folder) -> io::Result<Doorbell> {
        let path = folder.path().join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(Door::of(folder)?.path())?;
        socket.set_nonblocking(true)?;
        Ok(Doorbell { socket: tokio::net::UnixDatagram::from_std(socket)?, path })
    }

    /// Waits until somebody rings. Any number of rings since the last call are one.
    ///
    /// # Errors
    /// The socket's.
    pub async fn rung(&self) -> io::Result<()> {
        let mut ring = [0; 1];
        self.socket.recv(&mut ring).await?;
        while self.socket.try_recv(&mut ring).is_ok() {}
        Ok(())
    }

    /// Rings. Nobody there is no error: whoever goes on with the run looks into the inbox first.
    pub(super) fn ring(folder: &Folder) {
        let ring = || -> io::Result<()> {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.send_to(&[1], Door::of(folder)?.path()).map(drop)
        };
        // A full queue has rung already.
        drop(ring());
    }
}

impl Drop for Doorbell {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

/// A short way to the socket: an address holds 107 bytes, and a repository's path may be longer.
struct Door {
    folder: File,
}

impl Door {
    fn of(folder: &Folder) -> io::Result<Door> {
        Ok(Door { folder: File::open(folder.path())? })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{NAME}", self.folder.as_raw_fd()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{future::Future, task::Poll};

    #[tokio::test]
    async fn rings_before_and_while_waiting_are_heard_and_nobody_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::at(root.path().join("long".repeat(40)));
        Doorbell::ring(&folder);
        fs::create_dir(folder.path()).unwrap();
        Doorbell::ring(&folder);
        fs::write(folder.path().join(NAME), "left by a dead one").unwrap();
        let bell = Doorbell::listen(&folder).unwrap();
        (0..1000).for_each(|_| Doorbell::ring(&folder));
        bell.rung().await.unwrap();
        let mut next = Box::pin(bell.rung());
        let is_heard = std::future::poll_fn(|context| Poll::Ready(next.as_mut().poll(context).is_ready())).await;
        assert!(!is_heard, "any number of rings are one");
        Doorbell::ring(&folder);
        next.await.unwrap();
        drop(bell);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Doorbell::ring(&folder);
    }
}
