// A user of the client that openapi-generator makes for Go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"

	livecomments "example.org/livecomments/client"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	url, video := os.Args[1], os.Args[2]
	configuration := livecomments.NewConfiguration()
	configuration.Servers = livecomments.ServerConfigurations{{URL: url}}
	api := livecomments.NewAPIClient(configuration).CommentsAPI
	ctx := context.Background()

	body := livecomments.NewCommentInput("ann", "hi from go")
	posted, first, err := api.PostComment(ctx, video).CommentInput(*body).IdempotencyKey("key 1").Execute()
	must(err)
	again, second, err := api.PostComment(ctx, video).CommentInput(*body).IdempotencyKey("key 1").Execute()
	must(err)
	page, _, err := api.ListComments(ctx, video).Limit(10).Execute()
	must(err)
	one, _, err := api.GetComment(ctx, video, posted.Seq).Execute()
	must(err)
	if first.StatusCode != 201 || second.StatusCode != 200 ||
		!reflect.DeepEqual(posted, again) || !reflect.DeepEqual(posted, one) ||
		!reflect.DeepEqual(*posted, page.Comments[0]) {
		panic("not the same comment")
	}
	_, _, err = api.ListComments(ctx, video).After("aaaaaaaaaaaa-1").Execute()
	var refused *livecomments.GenericOpenAPIError
	if !errors.As(err, &refused) {
		panic(err)
	}
	problem := refused.Model().(livecomments.Problem)
	if problem.Code != livecomments.INVALID_FIELD {
		panic(problem.Code)
	}
	line, err := json.Marshal(map[string]any{
		"id":         one.Id,
		"created_ms": one.CreatedAt.UnixMilli(),
		"head":       page.Head,
		"code":       problem.Code,
	})
	must(err)
	fmt.Println(string(line))
}
