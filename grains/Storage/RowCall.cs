namespace OrleansKms.Grains.Storage;

/// <summary>A read or write of rows that waits to be sent to the database with others.</summary>
internal abstract class RowCall
{
    /// <summary>When it was asked for, as a timestamp.</summary>
    public long Since { get; set; }

    /// <summary>It was not done, or nobody knows.</summary>
    public abstract void Failed(Exception failure);
}
