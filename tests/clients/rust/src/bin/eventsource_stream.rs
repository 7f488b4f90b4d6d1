//! eventsource-stream over reqwest. With `loop`: opened again, with the last id.
use clients::{arguments, show};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use std::time::Duration;

#[tokio::main]
async fn main() {
    let (url, repeat) = arguments();
    let client = reqwest::Client::new();
    let mut last_id = String::new();
    loop {
        let request = client.get(&url).header("Last-Event-ID", &last_id);
        match request.send().await {
            Ok(reply) => watch(reply, &mut last_id).await,
            Err(error) => eprintln!("{error}"),
        }
        if !repeat {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn watch(reply: reqwest::Response, last_id: &mut String) {
    let mut events = reply.bytes_stream().eventsource();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if event.event == "comment" {
                    show(&event.data);
                }
                if !event.id.is_empty() {
                    *last_id = event.id;
                }
            }
            Err(error) => return eprintln!("{error}"),
        }
    }
}
