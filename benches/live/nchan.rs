//! nginx with Nchan, on a port and in a directory of its own.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::support::daemon::{Daemon, Recipe};
use crate::support::live::stream;

/// A running nginx; it ends with this value.
pub(super) struct Nchan(Daemon);

impl Nchan {
    /// Starts one with this module, and so many processes.
    ///
    /// # Errors
    ///
    /// When one of both is not installed, or it does not get ready.
    pub(super) fn start(module: &Path, workers: usize) -> io::Result<Self> {
        if !module.is_file() {
            let text = "not installed, and so not measured: `apt-get install libnginx-mod-nchan` has it";
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        let module: PathBuf = module.to_owned();
        let recipe = Recipe {
            name: "nginx",
            ready: "start worker process",
            end: Signal::TERM,
            farewell: "",
            command: Box::new(move |port, directory| {
                let file = directory.join("nginx.conf");
                std::fs::write(&file, configuration(&module, port, workers))?;
                let mut command = Command::new("nginx");
                command.arg("-p").arg(directory).arg("-c").arg(file);
                // It opens this file before it has read where the log goes.
                command.arg("-e").arg("stderr");
                Ok(command)
            }),
        };
        Daemon::start(recipe, |_| Ok(())).map(Self)
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

/// As one would write it for speed: no log, messages in memory, one channel.
fn configuration(module: &Path, port: u16, workers: usize) -> String {
    let (module, stream) = (module.display(), stream::PATH);
    format!(
        "daemon off;
load_module {module};
worker_processes {workers};
worker_rlimit_nofile 20000;
error_log stderr notice;
pid nginx.pid;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /v1/links {{
      nchan_publisher;
      nchan_channel_id all;
      nchan_message_buffer_length 10;
    }}
    location = {stream} {{
      nchan_subscriber eventsource;
      nchan_channel_id all;
      nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
