import com.launchdarkly.eventsource.ErrorStrategy;
import com.launchdarkly.eventsource.EventSource;
import com.launchdarkly.eventsource.MessageEvent;
import java.net.URI;

/** okhttp-eventsource of LaunchDarkly. With `loop`: errors do not end it. */
class LaunchDarkly {
  public static void main(String[] args) throws Exception {
    EventSource.Builder builder = new EventSource.Builder(URI.create(args[0]));
    if (args.length > 1) builder.errorStrategy(ErrorStrategy.alwaysContinue());
    try (EventSource source = builder.build()) {
      for (MessageEvent event : source.messages()) {
        if (event.getEventName().equals("comment"))
          System.out.println(System.currentTimeMillis() + " " + event.getData());
      }
    }
  }
}
