import java.time.Duration;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Flux;
import reactor.util.retry.Retry;

/** Spring's WebClient over Reactor Netty. With `loop`: opened again, with the last id. */
class SpringWebClient {
  static final WebClient CLIENT = WebClient.create();
  static String lastId = "";

  public static void main(String[] args) {
    Flux<ServerSentEvent<String>> events = Flux.defer(() -> open(args[0]));
    Duration pause = Duration.ofSeconds(1);
    if (args.length > 1)
      events =
          events
              .repeatWhen(ends -> ends.delayElements(pause))
              .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, pause));
    events.doOnNext(SpringWebClient::show).blockLast();
  }

  static Flux<ServerSentEvent<String>> open(String url) {
    return CLIENT
        .get()
        .uri(url)
        .header("Last-Event-ID", lastId)
        .retrieve()
        .bodyToFlux(new ParameterizedTypeReference<ServerSentEvent<String>>() {});
  }

  static void show(ServerSentEvent<String> event) {
    if ("comment".equals(event.event()))
      System.out.println(System.currentTimeMillis() + " " + event.data());
    if (event.id() != null) lastId = event.id();
  }
}
