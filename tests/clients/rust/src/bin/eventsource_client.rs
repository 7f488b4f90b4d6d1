//! eventsource-client of LaunchDarkly. With `loop`: errors do not end it.
use clients::{arguments, show};
use eventsource_client::{Client, ClientBuilder, SSE};
use futures::StreamExt;
use launchdarkly_sdk_transport::HyperTransport;

#[tokio::main]
async fn main() {
    let (url, repeat) = arguments();
    let transport = HyperTransport::builder().build_http().unwrap();
    let client = ClientBuilder::for_url(&url).unwrap().build_with_transport(transport);
    let mut stream = client.stream();
    while let Some(event) = stream.next().await {
        match event {
            Ok(SSE::Event(event)) if event.event_type == "comment" => show(&event.data),
            Ok(_) => {}
            Err(error) => {
                eprintln!("{error:?}");
                if !repeat {
                    return; // as `while let Some(event) = stream.try_next().await?` of its README
                }
            }
        }
    }
}
