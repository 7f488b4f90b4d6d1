/** A hook for React 18 and later: const { items, state, post } = useComments(client, "launch-1"). */
import { CommentList } from "@livecomments/client";
import { useEffect, useMemo, useState, useSyncExternalStore } from "react";

export function useComments(client, videoId, options) {
  const [video, list] = useMemo(() => {
    const video = client.video(videoId, options);
    return [video, new CommentList(video)];
  }, [client, videoId]);
  const [state, setState] = useState(video.state);

  useEffect(() => {
    const told = (change) => setState(change.state);
    video.on("state", told).open();
    return () => void video.off("state", told).close();
  }, [video]);

  // The list is one array that changes; React wants another one for each change.
  const store = useMemo(() => {
    let shown = [...list.items];
    const subscribe = (tell) => {
      const changed = ({ items }) => {
        shown = [...items];
        tell();
      };
      list.on("change", changed);
      return () => list.off("change", changed);
    };
    return { subscribe, read: () => shown };
  }, [list]);

  const items = useSyncExternalStore(store.subscribe, store.read);
  return { items, state, post: (comment) => list.post(comment) };
}

export function Comments({ client, videoId }) {
  const { items, state } = useComments(client, videoId);
  return (
    <ol aria-busy={state !== "live"}>
      {items.map(({ key, comment, pending }) => (
        <li key={key} style={{ opacity: pending ? 0.5 : 1 }}>
          {comment.author}: {comment.text}
        </li>
      ))}
    </ol>
  );
}
