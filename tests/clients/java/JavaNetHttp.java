import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/** java.net.http and its lines. With `loop`: opened again, with the last id. */
class JavaNetHttp {
  static final HttpClient CLIENT = HttpClient.newHttpClient();
  static String lastId = "";

  public static void main(String[] args) throws Exception {
    do {
      try {
        watch(args[0]);
      } catch (IOException | UncheckedIOException error) {
        error.printStackTrace();
      }
      Thread.sleep(1000);
    } while (args.length > 1);
  }

  static void watch(String url) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url)).header("Last-Event-ID", lastId).build();
    Map<String, String> fields = new HashMap<>();
    try (Stream<String> lines = CLIENT.send(request, BodyHandlers.ofLines()).body()) {
      lines.forEach(line -> take(fields, line));
    }
  }

  static void take(Map<String, String> fields, String line) {
    if (!line.isEmpty()) {
      String[] parts = line.split(": ", 2);
      fields.put(parts[0], parts[parts.length - 1]);
      return;
    }
    if ("comment".equals(fields.get("event")))
      System.out.println(System.currentTimeMillis() + " " + fields.get("data"));
    lastId = fields.getOrDefault("id", lastId);
    fields.clear();
  }
}
