// A user of the client that openapi-generator makes for Java (okhttp and Gson, its default).

import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.JSON;
import org.openapitools.client.api.CommentsApi;
import org.openapitools.client.model.Comment;
import org.openapitools.client.model.CommentInput;
import org.openapitools.client.model.CommentPage;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.ProblemCode;

public class Main {
    private static void check(boolean right, String what) {
        if (!right) {
            throw new IllegalStateException(what);
        }
    }

    private static Problem refused(CommentsApi api, String video) throws ApiException {
        try {
            api.listComments(video, null, "aaaaaaaaaaaa-1", null);
        } catch (ApiException exc) {
            return JSON.getGson().fromJson(exc.getResponseBody(), Problem.class);
        }
        throw new IllegalStateException("a foreign event id was taken");
    }

    public static void main(String[] args) throws ApiException {
        String video = args[1];
        CommentsApi api = new CommentsApi(new ApiClient().setBasePath(args[0]));
        CommentInput body = new CommentInput().author("ann").text("hi from java");
        ApiResponse<Comment> posted = api.postCommentWithHttpInfo(video, body, "key 1");
        ApiResponse<Comment> again = api.postCommentWithHttpInfo(video, body, "key 1");
        check(posted.getStatusCode() == 201 && again.getStatusCode() == 200, "statuses");
        Comment comment = posted.getData();
        CommentPage page = api.listComments(video, 10, null, null);
        Comment one = api.getComment(video, comment.getSeq());
        check(comment.equals(again.getData()) && comment.equals(one), "not the same comment");
        check(comment.equals(page.getComments().get(0)), "another comment in the page");
        Problem problem = refused(api, video);
        check(problem.getCode() == ProblemCode.INVALID_FIELD, "code");
        System.out.printf(
                "{\"id\":\"%s\",\"created_ms\":%d,\"head\":\"%s\",\"code\":\"%s\"}%n",
                one.getId(),
                one.getCreatedAt().toInstant().toEpochMilli(),
                page.getHead(),
                problem.getCode().getValue());
        System.exit(0); // okhttp's threads would keep us for a minute
    }
}
