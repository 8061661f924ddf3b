//! The program in a terminal: a pty, and what a terminal makes of what is written to it.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use harness::eventually;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{Parser, Screen};

use crate::ran::{PROGRAM, environment};
use crate::world::{DEADLINE, World};

fn size(rows: u16, cols: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

/// A program that runs in a terminal.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    parser: Arc<Mutex<Parser>>,
}

impl Terminal {
    /// The plugin in a terminal of so many rows and columns.
    pub fn start(world: &World, args: &[&str], (rows, cols): (u16, u16)) -> Self {
        let pty = native_pty_system().openpty(size(rows, cols)).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(args);
        command.args(["-n", &world.namespace]);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in environment(world) {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).unwrap();
        // Whoever keeps it open never sees its end.
        drop(pty.slave);
        let parser = Arc::new(Mutex::new(Parser::new(
            rows.try_into().unwrap(),
            cols.try_into().unwrap(),
            0,
        )));
        let mut reader = pty.master.try_clone_reader().unwrap();
        let into = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal whose program has ended answers with an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                into.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            master: pty.master,
            child,
            parser,
        }
    }

    /// What is on the screen.
    pub fn screen(&self) -> Screen {
        self.parser.lock().unwrap().screen().clone()
    }

    /// The lines of the screen, without the empty ones at its end.
    pub fn lines(&self) -> Vec<String> {
        let screen = self.screen();
        let (_, cols) = screen.size();
        let lines = screen.rows(0, cols.get());
        let mut lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// Waits until the screen shows something.
    pub async fn until(&self, what: &str, is: impl Fn(&[String]) -> bool) -> Vec<String> {
        eventually(what, DEADLINE, async || {
            let lines = self.lines();
            if is(&lines) {
                Ok(lines)
            } else {
                Err(lines.join("\n"))
            }
        })
        .await
        .unwrap()
    }

    /// Makes the terminal narrower or wider.
    pub fn resize(&self, rows: u16, cols: u16) {
        let mut parser = self.parser.lock().unwrap();
        parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), cols.try_into().unwrap());
        self.master.resize(size(rows, cols)).unwrap();
    }

    /// Ctrl-C.
    pub fn interrupt(&self) {
        let mut writer = self.master.take_writer().unwrap();
        writer.write_all(&[3]).unwrap();
        writer.flush().unwrap();
    }

    /// Its exit status.
    pub async fn ended(&mut self) -> u32 {
        let child = &mut self.child;
        let mut status = None;
        let waited = tokio::time::timeout(DEADLINE, async {
            loop {
                if let Some(ended) = child.try_wait().unwrap() {
                    status = Some(ended.exit_code());
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap();
        status.unwrap()
    }

    /// The terminal as it was: the usual screen, with a cursor.
    pub async fn is_given_back(&self) {
        self.until("the terminal is given back", |_| {
            let screen = self.screen();
            !screen.alternate_screen() && !screen.hide_cursor()
        })
        .await;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
    }
}
