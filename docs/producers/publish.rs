// Publishes one event, and the same once more:
// cargo add async-nats bytes serde_json tokio --features tokio/full
use async_nats::{jetstream, HeaderMap};

#[tokio::main]
async fn main() -> Result<(), async_nats::Error> {
    let url = std::env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".into());
    let js = jetstream::new(async_nats::connect(url).await?);
    let event = serde_json::json!({"door": "Main", "badge": 4711}).to_string();
    for _ in 0..2 {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", "badge-4711-1");
        // The second await is for the acknowledgement: on disk. On an error publish
        // again with the same id.
        let ack = js
            .publish_with_headers("events.acme.access.granted", headers, event.clone().into())
            .await?
            .await?;
        println!("{} {} duplicate={}", ack.stream, ack.sequence, ack.duplicate);
    }
    Ok(())
}
