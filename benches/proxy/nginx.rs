//! nginx on a port and in a directory of its own.

use std::io;
use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;

use crate::support::daemon::{Daemon, Recipe};

/// A running nginx; it ends with this value.
pub(super) struct Nginx(Daemon);

impl Nginx {
    /// Passes everything on to `backend`, over connections that it keeps.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not get ready.
    pub(super) fn start(backend: SocketAddr, workers: usize) -> io::Result<Self> {
        let recipe = Recipe {
            name: "nginx",
            ready: "start worker process",
            end: Signal::TERM,
            farewell: "",
            command: Box::new(move |port, directory| {
                let file = directory.join("nginx.conf");
                std::fs::write(&file, configuration(port, backend, workers))?;
                let mut command = Command::new("nginx");
                command.arg("-p").arg(directory).arg("-c").arg(file);
                // It opens this file before it has read where the log goes.
                command.arg("-e").arg("stderr");
                Ok(command)
            }),
        };
        let started = Daemon::start(recipe, |_| Ok(()));
        started
            .map(Self)
            .map_err(|error| io::Error::new(error.kind(), format!("{error}; `apt-get install nginx` has it")))
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

/// As one would write it for speed: connections kept on both sides, no log, answers sent on as they come.
fn configuration(port: u16, backend: SocketAddr, workers: usize) -> String {
    format!(
        "daemon off;
worker_processes {workers};
error_log stderr notice;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream backend {{ server {backend}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} reuseport;
    location /bench/ {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $host;
    }}
  }}
}}
"
    )
}
