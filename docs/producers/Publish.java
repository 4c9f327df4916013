// Publishes one event, and the same once more: java -cp jnats-2.20.5.jar Publish.java
import io.nats.client.Connection;
import io.nats.client.JetStream;
import io.nats.client.Nats;
import io.nats.client.PublishOptions;
import io.nats.client.api.PublishAck;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

public class Publish {
    public static void main(String[] args) throws Exception {
        String url = System.getenv().getOrDefault("NATS_URL", "nats://127.0.0.1:4222");
        try (Connection nc = Nats.connect(url)) {
            JetStream js = nc.jetStream();
            byte[] event = "{\"door\":\"Main\",\"badge\":4711}".getBytes(StandardCharsets.UTF_8);
            PublishOptions once = PublishOptions.builder()
                    .messageId("badge-4711-1").streamTimeout(Duration.ofSeconds(10)).build();
            for (int i = 0; i < 2; i++) {
                // The acknowledgement means: on disk. On an IOException publish again with the same id.
                PublishAck ack = js.publish("events.acme.access.granted", event, once);
                System.out.println(ack.getStream() + " " + ack.getSeqno() + " duplicate=" + ack.isDuplicate());
            }
        }
    }
}
