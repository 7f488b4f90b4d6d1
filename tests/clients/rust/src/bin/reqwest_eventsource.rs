//! reqwest-eventsource.
use clients::{arguments, show};
use futures::StreamExt;
use reqwest_eventsource::{Event, EventSource};

#[tokio::main]
async fn main() {
    let mut source = EventSource::get(arguments().0);
    while let Some(event) = source.next().await {
        match event {
            Ok(Event::Message(message)) if message.event == "comment" => show(&message.data),
            Ok(_) => {}
            Err(error) => eprintln!("{error}"),
        }
    }
}
