import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;

/** okhttp-sse. With `loop`: opened again, with the last id. */
class OkHttpSse extends EventSourceListener {
  static final EventSource.Factory FACTORY = EventSources.createFactory(new OkHttpClient());
  static String url;
  static boolean loop;
  static String lastId = "";

  public static void main(String[] args) {
    url = args[0];
    loop = args.length > 1;
    open();
  }

  static void open() {
    Request request = new Request.Builder().url(url).header("Last-Event-ID", lastId).build();
    FACTORY.newEventSource(request, new OkHttpSse());
  }

  @Override
  public void onEvent(EventSource source, String id, String type, String data) {
    if ("comment".equals(type)) System.out.println(System.currentTimeMillis() + " " + data);
    if (id != null) lastId = id;
  }

  @Override
  public void onClosed(EventSource source) {
    again("closed");
  }

  @Override
  public void onFailure(EventSource source, Throwable error, Response response) {
    again(String.valueOf(error));
  }

  static void again(String reason) {
    System.err.println(reason);
    if (!loop) System.exit(1);
    try {
      Thread.sleep(1000);
    } catch (InterruptedException ignored) {
      return;
    }
    open();
  }
}
