//! The stand-in providers, seen by a client of theirs.

mod control;
mod faults;
mod faults_aimed;
mod faults_on_sockets;
mod fixtures;
mod mint;
mod realtime;
mod refusals;
mod scribe;
mod support;
mod tts;
mod upload;
